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
	REVOKE DELETE ON customers, customer_counts, leases FROM {role};
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
	if err := s.apart(ctx, role); err != nil {
		return err
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

// apart holds that the role is one from which rights can be kept: not a
// superuser, not the owner, and nobody who may become the owner.
func (s *Store) apart(ctx context.Context, role string) error {
	const query = `SELECT pg_has_role(r.oid, c.relowner, 'MEMBER') FROM pg_roles r, pg_class c
		WHERE r.rolname = $1 AND c.oid = to_regclass('schema_migrations')`
	var mighty bool
	err := translate(s.writer.QueryRowContext(ctx, query, role).Scan(&mighty))
	switch {
	case errors.Is(err, ErrNotFound):
		return fmt.Errorf("there is no role %q; make it first (CREATE ROLE, deploy/postgres/roles.sql)", role)
	case err != nil:
		return err
	case mighty:
		return fmt.Errorf("the role %q may change the schema and the audit trail whatever it is given: it owns the tables, may become the role that does, or is a superuser. "+
			"Make one for the service alone (deploy/postgres/roles.sql). Nothing was changed", role)
	}
	return nil
}

// Wanting lists the roles that were given rights here, as a service is, and
// cannot read all tables: what a newer migration made they have no right to.
func (s *Store) Wanting(ctx context.Context) ([]string, error) {
	if s.owns == "" {
		return nil, nil
	}
	const query = `SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
		WHERE c.oid = to_regclass('leases') AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner AND EXISTS (SELECT t.oid FROM pg_class t
			WHERE t.relnamespace = c.relnamespace AND t.relkind = 'r' AND NOT has_table_privilege(r.oid, t.oid, 'SELECT')) ORDER BY r.rolname`
	rows, err := s.writer.QueryContext(ctx, query)
	return scanAll(rows, err, func(r scanner) (role string, err error) { return role, r.Scan(&role) })
}
