"""One file a platform; past this border nobody asks which platform it is."""
