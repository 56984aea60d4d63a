package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beforeReleases are the files from before programs of two versions ran side
// by side; each later one says in its first line what it does.
const beforeReleases = "0004_stay.sqlite.sql"

// What a migration that only adds may say. Whoever wrote the program before
// knew nothing of it: that program must be able to read and write as it always
// has.
var (
	makesTable    = regexp.MustCompile(`^CREATE TABLE (\w+) \(`)
	addsColumn    = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (\w+) (.*)$`)
	addsIndex     = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX \w+ ON (\w+) `)
	addsFunction  = regexp.MustCompile(`^CREATE FUNCTION (\w+)\(`)
	addsTrigger   = regexp.MustCompile(`^CREATE TRIGGER \w+ .*? ON (\w+) .*`)
	fillsTable    = regexp.MustCompile(`^INSERT INTO (\w+) `)
	fillsColumns  = regexp.MustCompile(`^UPDATE (\w+) SET (.*?)( FROM .*| WHERE .*|$)`)
	assigns       = regexp.MustCompile(`(?:^|, )(\w+) = `)
	refuses       = regexp.MustCompile(`\bRAISE\b`)
	binds         = regexp.MustCompile(`\b(UNIQUE|PRIMARY KEY|GENERATED)\b`)
	mayBeLeftOut  = regexp.MustCompile(`\bDEFAULT\b`)
	mustBeGiven   = regexp.MustCompile(`\bNOT NULL\b`)
	pointsAtOther = regexp.MustCompile(`\bREFERENCES\b`)
)

// additions is what a file has made so far: its own tables, columns and
// functions may be filled and bound as it likes.
type additions struct {
	tables, columns, refusing map[string]bool
}

// refusesWhatNobodyWrites are triggers that refuse what no program has ever
// written, each with the reason.
var refusesWhatNobodyWrites = map[string]string{
	"audit_chains_replaced": "the sealer writes the end of a chain onwards, or anew where it is",
	"audit_chains_given":    "no statement of any program changes whose chain it is",
}

// notAdditive lists what in a migration an older program could trip over.
func notAdditive(text string) (findings []string) {
	made := additions{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, statement := range statementsOf(text) {
		if why := made.offends(statement); why != "" {
			findings = append(findings, fmt.Sprintf("%s: %.60s", why, statement))
		}
	}
	return findings
}

func (a additions) offends(statement string) string {
	if m := makesTable.FindStringSubmatch(statement); m != nil {
		a.tables[m[1]] = true
		return ""
	}
	if m := addsFunction.FindStringSubmatch(statement); m != nil {
		a.refusing[m[1]] = refuses.MatchString(statement)
		return ""
	}
	if m := addsColumn.FindStringSubmatch(statement); m != nil {
		a.columns[m[1]+"."+m[2]] = true
		return a.column(m[1], m[3])
	}
	if m := addsIndex.FindStringSubmatch(statement); m != nil {
		return unless(m[1] == "" || a.tables[m[2]], "older programs may write rows that are not unique")
	}
	if m := addsTrigger.FindStringSubmatch(statement); m != nil {
		return unless(refusesWhatNobodyWrites[strings.Fields(statement)[2]] != "" || a.tables[m[1]] || !a.refusesBy(statement), "the trigger may refuse what older programs write")
	}
	if m := fillsTable.FindStringSubmatch(statement); m != nil {
		return unless(a.tables[m[1]], "older programs do not expect rows that they did not write")
	}
	if m := fillsColumns.FindStringSubmatch(statement); m != nil {
		return unless(a.tables[m[1]] || a.ownColumns(m[1], m[2]), "older programs do not expect a change of what they wrote")
	}
	return "it does more than add"
}

// column holds that older programs may leave a new column out.
func (a additions) column(table, definition string) string {
	required := mustBeGiven.MatchString(definition)
	switch {
	case a.tables[table]:
		return ""
	case binds.MatchString(definition):
		return "rows of older programs may break the new rule"
	case required && !mayBeLeftOut.MatchString(definition):
		return "older programs leave the column out"
	case required && pointsAtOther.MatchString(definition):
		return "rows of older programs point at nothing"
	}
	return ""
}

func (a additions) refusesBy(trigger string) bool {
	for function, refusing := range a.refusing {
		if refusing && strings.Contains(trigger, "EXECUTE FUNCTION "+function+"(") {
			return true
		}
	}
	return refuses.MatchString(trigger)
}

// ownColumns tells whether an UPDATE sets nothing but columns of this file.
func (a additions) ownColumns(table, set string) bool {
	all := assigns.FindAllStringSubmatch(set, -1)
	return len(all) > 0 && !slices.ContainsFunc(all, func(m []string) bool { return !a.columns[table+"."+m[1]] })
}

func unless(fine bool, why string) string {
	if fine {
		return ""
	}
	return why
}

// Each migration since the first release says whether it only adds or takes
// away; the first kind does so, the second names an earlier one since which
// nobody needs what goes (CF-09).
func TestMigrationsExpandThenContract(t *testing.T) {
	for _, d := range []dialect{sqliteDialect(), postgresDialect()} {
		all, err := (&Store{pools: pools{dialect: d}}).migrations()
		if err != nil || len(all) < 5 {
			t.Fatalf("%d migrations, %v", len(all), err)
		}
		for i, m := range all {
			earlier := slices.ContainsFunc(all[:i], func(e migration) bool { return e.name == m.since && e.adds })
			switch {
			case m.name <= beforeReleases:
			case m.adds:
				for _, finding := range notAdditive(m.text) {
					t.Errorf("%s, %s: %s", d.name, m.name, finding)
				}
			case m.since == "":
				t.Errorf("%s does not say in its first line whether it only adds: %q or %q", m.name, expands, contracts+"NAME")
			case !earlier:
				t.Errorf("%s is a contract since %q, which is no earlier migration that adds", m.name, m.since)
			}
		}
	}
}

// The check finds what it is there for, and lets pass what only adds.
func TestMigrationsCheck(t *testing.T) {
	for text, finding := range map[string]string{
		"DROP TABLE users;":                                                                            "more than add",
		"DROP INDEX users_by_name;":                                                                    "more than add",
		"ALTER TABLE users DROP COLUMN name;":                                                          "more than add",
		"ALTER TABLE users RENAME TO people;":                                                          "more than add",
		"ALTER TABLE users RENAME COLUMN name TO label;":                                               "more than add",
		"ALTER TABLE users ALTER COLUMN name TYPE TEXT;":                                               "more than add",
		"ALTER TABLE users ADD CONSTRAINT c CHECK (name <> '');":                                       "more than add",
		"ALTER TABLE users ADD COLUMN a BIGINT NOT NULL;":                                              "leave the column out",
		"ALTER TABLE users ADD COLUMN a BIGINT DEFAULT 0 UNIQUE;":                                      "break the new rule",
		"ALTER TABLE users ADD COLUMN a TEXT NOT NULL DEFAULT '' REFERENCES x":                         "", // no statement: it does not end
		"ALTER TABLE users ADD COLUMN a TEXT NOT NULL DEFAULT '' REFERENCES x (id);":                   "point at nothing",
		"CREATE UNIQUE INDEX i ON users (name);":                                                       "not unique",
		"INSERT INTO users (id) VALUES ('x');":                                                         "did not write",
		"UPDATE users SET name = 'x';":                                                                 "what they wrote",
		"ALTER TABLE users ADD COLUMN a TEXT;\nUPDATE users SET a = name, name = 'x' WHERE a IS NULL;": "what they wrote",
		"DELETE FROM users;":                                                                           "more than add",
		"TRUNCATE users;":                                                                              "more than add",
		"GRANT ALL ON users TO x;":                                                                     "more than add",
		"CREATE TABLE IF NOT EXISTS x (a);":                                                            "more than add",
		"CREATE TRIGGER t BEFORE INSERT ON users\nBEGIN\n  SELECT RAISE(ABORT, 'no');\nEND;":           "may refuse",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE EXCEPTION 'no';\nEND $$;\nCREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f();": "may refuse",

		"CREATE TABLE x (a BIGINT);\nINSERT INTO x (a) VALUES (1);\nUPDATE x SET a = 2;\nCREATE UNIQUE INDEX i ON x (a);": "",
		"ALTER TABLE users ADD COLUMN a TEXT NOT NULL DEFAULT '';\nUPDATE users SET a = name WHERE a = '';":               "",
		"ALTER TABLE users ADD COLUMN a TEXT REFERENCES x (id);":                                                          "",
		"CREATE INDEX i ON users (name); -- DROP TABLE users;":                                                            "",
		"CREATE TRIGGER t AFTER INSERT ON users\nBEGIN\n  INSERT INTO x (a) VALUES (NEW.id);\nEND;":                       "",
	} {
		found := strings.Join(notAdditive(text), "; ")
		if (finding == "") != (found == "") || !strings.Contains(found, finding) {
			t.Errorf("%s\nfound %q, want %q", text, found, finding)
		}
	}
}
