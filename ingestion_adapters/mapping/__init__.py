"""An enterprise's own words: their names, units, codes, coordinates and times turned into ours, both kept."""
