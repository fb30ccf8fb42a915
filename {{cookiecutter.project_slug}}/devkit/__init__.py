"""Development kit of this project: tests, local PostgreSQL, commands. See devkit/README.md."""
