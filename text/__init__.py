"""How people read text: names folded for comparison, numbers in words. Imports nothing of ours."""
