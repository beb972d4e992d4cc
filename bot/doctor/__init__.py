"""`mrp doctor`: one file a subject, and examine.py puts their findings together."""
