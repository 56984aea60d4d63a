package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"portal"
)

// retryable tells whether a transaction lost a race and may simply run again.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// inUse tells whether a migration gave way to somebody who uses its tables.
func inUse(err error) bool {
	var pg *pgconn.PgError
	return retryable(err) || (errors.As(err, &pg) && pg.Code == "55P03")
}

// broken tells whether a connection that had stood broke under a transaction
// before its COMMIT: nothing was changed, and another connection may do.
func broken(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &connect):
		return false // there is no other connection
	case errors.As(err, &pg):
		return pg.Code == "57P01" || pg.Code == "57P02" // the server ended it
	}
	return cutOff(err) && !errors.Is(err, context.DeadlineExceeded)
}

// outage tells whether the database could not be reached, was busy or full: a
// later try may succeed.
func outage(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &connect):
		return true
	case errors.As(err, &pg):
		return retryable(err) || passing(pg.Code)
	case errors.As(err, &lite):
		return temporary(lite.Code() & 0xff)
	}
	return cutOff(err) || errors.Is(err, sql.ErrTxDone) // the time for the request was up
}

// TurnedAway tells whether a server answered and does not want us, or is not
// the one it should be: wrong password, no such database, a certificate of
// somebody else. No waiting mends that.
func TurnedAway(err error) bool {
	var pg *pgconn.PgError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &pg) {
		return pg.Code[:2] == "28" || pg.Code == "3D000"
	}
	return errors.As(err, &certificate)
}

// strange tells whether the database answered and is not the one that was
// opened: there is none of that name, it lacks our tables, or it lets this role
// read none of them.
func strange(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains([]string{"3D000", "3F000", "42P01", "42501"}, pg.Code)
}

// passing tells whether PostgreSQL refused for a reason that passes: the
// connection (08), resources (53), somebody who ended it (57), the system
// around it (58), a lock (55P03), a transaction left idle (25P03), or a server
// that only reads, as one does that was a standby a moment ago (25006).
func passing(code string) bool {
	switch code[:2] {
	case "08", "53", "57", "58":
		return true
	}
	return code == "55P03" || code == "25P03" || code == "25006"
}

// cutOff tells whether the way to the database broke or time ran out.
func cutOff(err error) bool {
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, end := range []error{context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

func temporary(code int) bool {
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED || code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR
}

// locked tells whether SQLite found another program at work on the file.
func locked(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// undone tells whether a COMMIT that failed has certainly changed nothing: it
// was answered with a refusal. A connection that broke says nothing of it, nor
// does a server that ended it: the change may be on its disk, and only the word
// of the standby was missing. pgconn.SafeToRetry must not be asked here: of a
// connection that is lost while the answer to a COMMIT is awaited it says yes.
func undone(err error) bool {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, pgx.ErrTxCommitRollback):
		return true
	case errors.As(err, &pg):
		return pg.SeverityUnlocalized == "ERROR"
	case errors.As(err, &lite):
		return lite.Code()&0xff != sqlite3.SQLITE_IOERR
	}
	return false
}

// errMaybe marks a COMMIT of which nobody knows whether it was done.
var errMaybe = errors.New("it is not known whether this was saved")

// committed turns what a COMMIT came back with into what it means.
func committed(err error) error {
	if err == nil || undone(err) {
		return err
	}
	return portal.Unsure(fmt.Errorf("%w: %w", errMaybe, err))
}

// again tells whether a transaction may run once more: it has certainly
// changed nothing, and another try may succeed at once.
func again(err error) bool {
	return retryable(err) || (broken(err) && !errors.Is(err, errMaybe))
}

// translate turns what a driver says into what the floors above understand.
func translate(err error) error {
	var own *portal.Error
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case conflict(err):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case outage(err):
		return portal.Unavailable(err)
	}
	return err
}
