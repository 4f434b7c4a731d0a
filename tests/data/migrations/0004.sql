-- Rows as the schema of 0004 held them: a thread whose first message was deleted and posted anew.
INSERT INTO "slack_past_threads" VALUES('C1','1789999999.000100',1);
