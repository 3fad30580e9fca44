"""The command line: a module a command. stdout is data, stderr is narration."""
