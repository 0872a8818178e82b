"""The payer's side of a payment link: what is asked for and by whom, paying it, and seeing the outcome."""
