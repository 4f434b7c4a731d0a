-- The schema of 0005 is that of 0004; its rows were brought up to date.
SELECT 1;
