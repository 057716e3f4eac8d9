"""What commands do on a Ray cluster: `unlearn run --cluster`, `unlearn cluster status`."""
