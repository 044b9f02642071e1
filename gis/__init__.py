"""Space: coordinates, network, tiles and maps; knows the network, not the business."""
