"""What survives the loss of the database: backups, the archive of its log, standbys."""
