package store

import (
	"context"
	"errors"
	"fmt"
)

// serviceRights are what the service's own database role may do (CF-04): read
// and change rows, but of the audit trail only add to it, and of the schema
// nothing. {role} and {schema} are put in by the database, quoted.
const serviceRights = `
	REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
	GRANT USAGE ON SCHEMA {schema} TO {role};
	GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
	REVOKE INSERT, UPDATE, DELETE ON schema_migrations, moves FROM {role};
	REVOKE UPDATE, DELETE ON events, audit_seals FROM {role};
	REVOKE UPDATE ON unsealed_events FROM {role};
	REVOKE INSERT, UPDATE, DELETE ON audit_chains FROM {role};
	GRANT INSERT (customer_id, number, hash, key_id, mark), UPDATE (number, hash, key_id, mark) ON audit_chains TO {role}`

// GrantService gives the database role of the service what it needs and no
// more. Each migration may add tables, so that it is run after each.
func (s *Store) GrantService(ctx context.Context, role string) error {
	if s.owns == "" {
		return errors.New("SQLite has no roles: whoever may open the file may change it")
	}
	if !s.owner {
		return errors.New("this role does not own the database; run portal migrate with the role that does")
	}
	const fill = "SELECT REPLACE(REPLACE($1, '{schema}', quote_ident(current_schema())), '{role}', quote_ident($2))"
	var rights string
	if err := s.writer.QueryRowContext(ctx, fill, serviceRights, role).Scan(&rights); err != nil {
		return translate(err)
	}
	if _, err := s.writer.ExecContext(ctx, rights); err != nil {
		return fmt.Errorf("the rights of the role %q: %w", role, err)
	}
	return nil
}
