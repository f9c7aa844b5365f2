"""What comes from feeds: laid down, told late, or not heard of any more."""
