"""The application: configuration, jobs, storage, sessions and the command line."""
