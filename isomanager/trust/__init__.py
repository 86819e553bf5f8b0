"""Evidence before bytes: checksum documents, signatures, expectations and receipts."""
