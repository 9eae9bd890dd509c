"""What deploy/ starts is started: its files read by the programs that they are for, its commands run."""
