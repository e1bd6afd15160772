"""How the small detector of ball and players is trained: see docs/detector.md. Nothing of Touchline imports this."""
