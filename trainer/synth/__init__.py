"""Lessons that a teacher writes: questions, answers, scenes, refusals, each with its source."""
