"""What a picture is: values only (formats, time lines, frames, regions, masks)."""
