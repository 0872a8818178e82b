"""The payer's side of an invoice: what is owed and to whom, paying it, and seeing the outcome."""
