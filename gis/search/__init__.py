"""Search over the network and the base map, in Chinese, in pinyin and by code."""
