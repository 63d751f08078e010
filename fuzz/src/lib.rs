//! Fuzz targets
