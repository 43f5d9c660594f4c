"""The registry: 29 procedure flags per bronchoscopy or pleural note, and the diamond loop."""
