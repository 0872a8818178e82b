"""The other side of each gateway's wire: one HTTP program per provider, made from its documents and captures.

They share no code with `gateways/`, so that a misreading there does not agree with itself here. Each takes faults on demand at
`/_control`, which no real provider has.
"""
