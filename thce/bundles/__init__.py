"""What a trained model is on disk: schema, hashes, publish, load, promote, roll back."""
