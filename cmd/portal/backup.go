package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"portal/internal/backup"
	"portal/internal/seal"
	"portal/internal/store"
)

// passphraseFlags say where the passphrase of a locked key ring comes from.
type passphraseFlags struct {
	PassphraseFile  string `help:"File (mode 0600) with the passphrase of the key ring's file, 15 characters or more." env:"PORTAL_BACKUP_PASSPHRASE_FILE" type:"path" placeholder:"FILE"`
	PassphraseStdin bool   `help:"Read the passphrase from standard input instead."`
}

// passphrase is empty where none was given.
func (f passphraseFlags) passphrase(w world) (string, error) {
	if f.PassphraseStdin {
		text, err := io.ReadAll(io.LimitReader(w.In, 1<<10))
		return firstLine(text), err
	}
	if f.PassphraseFile == "" {
		return "", nil
	}
	return w.secretFile("PORTAL_BACKUP_PASSPHRASE_FILE", f.PassphraseFile)
}

// backupCmd makes a backup.
type backupCmd struct {
	File        string `arg:"" help:"The file to write; it must not be there yet." type:"path"`
	KeyringFile string `help:"Where the key ring is written to under the passphrase; FILE.keyring unless said otherwise." type:"path" placeholder:"FILE"`
	passphraseFlags
}

// Run writes the backup and, under a passphrase, the key ring.
func (cmd *backupCmd) Run(ctx context.Context, c *cli, w world) error {
	passphrase, err := cmd.passphrase(w)
	if err != nil {
		return err
	}
	return c.onData(ctx, w, func(s *services) error {
		to := backup.Target{File: cmd.File, Keyring: keyringBeside(cmd.KeyringFile, cmd.File), Passphrase: passphrase}
		d, err := cmd.make(ctx, s, to, w.Now())
		if err == nil {
			err = d.Publish()
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(w.Out, "Backed up %s, %s and %s to %s (%d MB, SHA-256 %s).\n",
			counted(d.Rows["customers"]-1, "customer"), counted(d.Rows["users"], "user"), counted(d.Rows["events"], "event"), cmd.File, (d.Size+1<<20-1)>>20, d.SHA256)
		return tellRing(w, s, to.Keyring, passphrase != "")
	})
}

// make makes the backup, which gets its name when its event is recorded.
func (cmd *backupCmd) make(ctx context.Context, s *services, to backup.Target, now time.Time) (d *backup.Draft, err error) {
	err = s.admin.BackUp(ctx, host(), func() (string, error) {
		if d, err = backup.Make(ctx, to, backup.Source{Store: s.store, Ring: s.ring, Now: now, Program: versionText()}); err != nil {
			return "", err
		}
		return fmt.Sprintf("%d users, SHA-256 %s", d.Rows["users"], d.SHA256), nil
	})
	if err != nil && d != nil {
		d.Discard()
	}
	return d, err
}

// counted is a number of things in words.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// tellRing says where the keys are, without which the backup is worth little.
func tellRing(w world, s *services, keyring string, saved bool) error {
	if saved {
		_, err := fmt.Fprintf(w.Out, "The key ring is in %s, under the passphrase. Keep that file and the passphrase apart from the backup: together they open everything.\n", keyring)
		return err
	}
	_, err := fmt.Fprintf(w.Err, "THE KEY RING IS NOT IN THIS BACKUP. Without it nothing can be restored. Keep a copy of %s apart from the backup, or give a passphrase (--passphrase-file) to have it written beside it, encrypted.\n", s.ringFile)
	return err
}

// keyringBeside is where the key ring of a backup is, unless it was said.
func keyringBeside(said, file string) string {
	if said != "" {
		return said
	}
	return file + ".keyring"
}

// restoreCmd puts a backup back.
type restoreCmd struct {
	File        string `arg:"" help:"The backup." type:"existingfile"`
	KeyringFile string `help:"The key ring's file that was written with the backup; FILE.keyring unless said otherwise. Not needed where keyring.json lies in the data folder." type:"path" placeholder:"FILE"`
	ServiceRole string `help:"Give this PostgreSQL role what the service needs, as portal migrate does." placeholder:"ROLE"`
	passphraseFlags
}

// Run checks everything before it writes anything, and says what comes next.
func (cmd *restoreCmd) Run(ctx context.Context, c *cli, w world) error {
	place := store.Config{Database: c.Database, DataFolder: c.Data, Now: w.Now, Node: hostName()}
	path := filepath.Join(c.Data, "keyring.json")
	ring, err := cmd.ring(path, w)
	if err != nil {
		return err
	}
	saved, err := backup.Open(cmd.File, ring)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if err := saved.Restore(ctx, ring, place, path); err != nil {
		return err
	}
	if err := errors.Join(c.forgetDatabase(), cmd.grant(ctx, place)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.Out, "Restored %s, %s and %s of %s UTC.\nWhat was revoked or used since then is open again in this data, so that no portal starts on it yet. Now run:\n  portal post-restore\n",
		counted(saved.Rows["customers"]-1, "customer"), counted(saved.Rows["users"], "user"), counted(saved.Rows["events"], "event"), saved.MadeAt.Format(time.DateTime))
	return err
}

// ring is the key ring of the data folder, or else the one that was written
// with the backup.
func (cmd *restoreCmd) ring(path string, w world) (*seal.Ring, error) {
	if cmd.KeyringFile == "" {
		ring, err := seal.LoadRing(path)
		if !errors.Is(err, seal.ErrNoRing) {
			return ring, err
		}
	}
	file := keyringBeside(cmd.KeyringFile, cmd.File)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the key ring of the backup is needed: name its file with --keyring-file, or put keyring.json into the data folder (%s, mode 0600)", path)
	}
	if err != nil {
		return nil, err
	}
	passphrase, err := cmd.passphrase(w)
	if err != nil {
		return nil, err
	}
	if passphrase == "" {
		return nil, fmt.Errorf("the key ring %s opens with its passphrase: give it with --passphrase-file or --passphrase-stdin", file)
	}
	ring, err := seal.Unlock(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("key ring %s: %w", file, err)
	}
	return ring, nil
}

func (cmd *restoreCmd) grant(ctx context.Context, place store.Config) error {
	if cmd.ServiceRole == "" {
		return nil
	}
	data, err := store.Open(ctx, place)
	if err != nil {
		return err
	}
	if err := data.GrantService(ctx, cmd.ServiceRole); err != nil {
		err = fmt.Errorf("the data is restored, but %w; run portal migrate --service-role", err)
		return errors.Join(err, data.Close())
	}
	return data.Close()
}

// postRestoreCmd makes restored data safe to sign in to.
type postRestoreCmd struct {
	Anyway bool `help:"Also where nothing here tells of a restore: after one by other means, such as PostgreSQL's point-in-time recovery."`
}

// Run voids what may have been revoked, and says what only people can know.
func (cmd *postRestoreCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		if err := cmd.sure(ctx, s); err != nil {
			return err
		}
		all, err := s.admin.PostRestore(ctx, host())
		if err != nil {
			return fmt.Errorf("post-restore was cut short; run it again: %w", err)
		}
		_, err = fmt.Fprintf(w.Out, `Done, and told in the audit trail of each customer: %d sessions ended, %d links void, recovery codes of %d users void, %d mails held back.
Codes of authenticator apps are accepted again after a minute. The portal can be started.

Only people can know what else was changed between the backup and the restore. The administrators have been asked by mail to do it again:
  accounts that were suspended or frozen are open again; roles, addresses and 2FA policies are as before
  passwords and 2FA setups are as before: a password that somebody else knew works again (portal user demand-password LOGIN)
  who lost a phone and had the 2FA setup deleted has it again (portal user delete-2fa LOGIN)
  people who were added are gone; invitations that were open are void (portal user invite LOGIN)
Mails that waited are kept and do not go out: portal mail list
`, all.Sessions, all.Links, all.Codes, all.Mails)
		return err
	})
}

// sure keeps a healthy portal from being treated as a restored one.
func (cmd *postRestoreCmd) sure(ctx context.Context, s *services) error {
	restored, err := s.store.Restored(ctx)
	if err != nil || cmd.Anyway || !restored.Since.IsZero() {
		return err
	}
	err = s.witness.Check(ctx)
	if errors.Is(err, backup.ErrOlder) {
		return nil
	}
	if err == nil {
		err = errors.New("nothing here tells of a restore, and post-restore would sign everybody out and void all recovery codes. Was the data put back by other means? Then run portal post-restore --anyway")
	}
	return err
}

// refuseRestored keeps a portal from serving data in which something may be
// open that was revoked. Where the data was put back by other means that can
// only be guessed, so that it warns.
func (s *services) refuseRestored(ctx context.Context, log *slog.Logger) error {
	if err := s.store.MayServe(ctx); err != nil {
		return fmt.Errorf("%w. Then start again", err)
	}
	err := s.witness.Check(ctx)
	if errors.Is(err, backup.ErrOlder) {
		log.ErrorContext(ctx, "WARNING: an older database was put in place", "error", err)
		return nil
	}
	return err
}
