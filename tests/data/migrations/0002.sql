-- Rows as the schema of 0002 held them: a delivery to be worked and one that was, a thread with its messages, one that waits for its root.
INSERT INTO "slack_deliveries" VALUES('command:e1','command','{"command":"/devtask","text":"list"}',1790000000123456,1790000002123456,NULL);
INSERT INTO "slack_deliveries" VALUES('event:Ev1','event','',1790000000000000,1790000002000000,1790000000123456);
INSERT INTO "slack_threads" VALUES(1,'C1','1790000000.000100','1790000000.000100','person:local/ana',4);
INSERT INTO "slack_threads" VALUES(3,'C1',NULL,NULL,'person:local/eve',0);
INSERT INTO "slack_posts" VALUES(1,'root','C1','1790000000.000100',X'0707070707070707070707070707070707070707070707070707070707070707',1790000000123456);
INSERT INTO "slack_posts" VALUES(1,'ask:toolu_1','C1',NULL,NULL,1790000000123457);
INSERT INTO "slack_facts" VALUES('repo','user:U024','acme/api');
