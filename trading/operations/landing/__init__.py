"""The page that operations begins with: what needs a person, how it goes, what is at stake."""
