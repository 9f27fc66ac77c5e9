"""A person looks at redacted recordings: what they find is put right, and on record."""
