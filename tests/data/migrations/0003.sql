-- Rows as the schema of 0003 held them: a stray node, and a person linked with an account.
INSERT INTO "strays" VALUES('codespaces','ana/calm-fox','01234567-9-1',1790000000123456);
INSERT INTO "links" VALUES('person:slack/U0ANA','ana','links/1.token',1790000000123456);
