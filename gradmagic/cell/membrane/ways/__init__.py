"""The ways of calls: each runs the user's own call on the user's own objects, and files what came of it."""
