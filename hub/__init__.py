"""Models by name: a catalogue, the hubs they come from, and the files that are here already.

catalogue.py   what is known, with size, licence and checksum (catalogue.toml)
sources.py     Hugging Face and ModelScope; the door to huggingface_hub
pull.py        fetch, go on after a break, check
found.py       GGUF files that Ollama, LM Studio, llama.cpp and others keep on this machine
choice.py      `--model NAME` becomes a file
cli.py         `mrp model list | pull | use`
"""
