"""Commands over REST with a token; nothing here knows AWS, the services or the local cloud."""
