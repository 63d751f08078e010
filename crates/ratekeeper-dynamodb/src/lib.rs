//! Rate limit counters in Amazon DynamoDB: conditional updates and transactions.
