"""One Ray Serve application: notes in, flags and codes out, and the page that corrects them."""
