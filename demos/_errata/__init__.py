"""What `demos.errata` checks: a module for each lecture, its rows beside their checks, and `shared` for all of them."""
