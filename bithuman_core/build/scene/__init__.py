"""What stands around the face: the matte of the person, background plate, hair and shoulders, glasses."""
