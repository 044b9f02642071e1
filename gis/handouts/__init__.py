"""Files in which a part of the map leaves the portal: GeoJSON, GeoPackage, XLSX and a page that opens offline."""
