"""What a training, a fine-tuning or some answers take, from parameters alone: `megatoken footprint`."""
