"""Values every other part of policyc passes around. No I/O, standard library only."""
