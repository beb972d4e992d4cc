"""The methods: each makes tasks for a teacher, and looks over the whole harvest at the end."""
