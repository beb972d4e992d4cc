"""The pages of whoever hosts: set-up, reviews, rules, backups, the workshop."""
