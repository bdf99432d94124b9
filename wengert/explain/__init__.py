"""What a derivative does, shown: tables of both modes, graphs, the five methods side by side, the cost."""
