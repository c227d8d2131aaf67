"""The commands: arguments to settings to one call."""
