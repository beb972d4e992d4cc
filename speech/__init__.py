"""Text-to-speech and speech-to-text, each behind one narrow interface.

    speaker = open_speaker("auto")                        speech.settings
    sound = await speaker.say("老孙来也！", voice)          -> Sound(ogg, seconds, waveform)
    hearer = open_hearer("sensevoice")
    heard = await hearer.hear(data)                       -> Heard(text, seconds)

This package knows of no chat platform and no room. Its parts, each importing only those above it:

    error       one exception, with its sentence in Chinese and English
    sound       samples, OGG/Opus in and out, loudness, waveform      (the door to soundfile)
    numbers     numbers, dates and times as Chinese words
    reading     a chat message as sentences to be read aloud
    pinyin      Chinese sentences as pinyin with tones                (the door to pypinyin)
    model       a neural model: probed, loaded when it is wanted, in one thread
    espeak, sherpa, whisper, endpoint       the backends
    speaker, hearer                bounded, cached, one at a time
    settings    what `--speech` and `--hearing` mean
    cli         `mrp say`
"""
