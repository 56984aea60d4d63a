package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"portal/internal/backup"
	"portal/internal/doctor"
	"portal/internal/keeper"
	"portal/internal/mail"
	"portal/internal/store"
)

// doctorCmd looks the installation over (CF-06).
type doctorCmd struct {
	JSON  bool `name:"json" help:"Print one JSON object, for programs."`
	Quick bool `help:"Leave out what reads every row: accounts, set-ups, the audit trail."`
	settings
}

// diagnosis is what programs read; docs/doctor.md describes it.
type diagnosis struct {
	Schema   int              `json:"schema"`
	At       time.Time        `json:"at"`
	Worst    doctor.Severity  `json:"worst"`
	Findings []doctor.Finding `json:"findings"`
}

// diagnosisSchema changes when a field of the diagnosis changes its meaning.
const diagnosisSchema = 1

// Run prints what it finds, and fails where there is an error among it.
func (cmd *doctorCmd) Run(ctx context.Context, c *cli, w world) error {
	server, mailErr := cmd.server(w)
	config := cmd.config(c, w)
	config.Mail, config.MailErr = server, mailErr
	house := doctor.New(config)
	examination := &examination{settings: &cmd.settings, cli: c, mailErr: mailErr, world: w}
	findings := doctor.Run(ctx, append(examination.checks(), house.Checks()...))
	if err := house.Close(); err != nil {
		return err
	}
	show := printFindings
	if cmd.JSON {
		show = printJSON
	}
	worst := doctor.Worst(findings)
	if err := show(w.Out, diagnosis{diagnosisSchema, w.Now().UTC(), worst, findings}); err != nil {
		return err
	}
	if worst == doctor.Error {
		return errors.New("something is wrong: see the findings of severity error")
	}
	return nil
}

// config is the house of these settings.
func (cmd *doctorCmd) config(c *cli, w world) doctor.Config {
	quiet := slog.New(slog.DiscardHandler)
	known, err := c.belongs()
	return doctor.Config{
		Data: c.Data, RingFile: filepath.Join(c.Data, "keyring.json"), Database: c.Database, DatabaseErr: cmp.Or(c.databaseErr, err),
		Belongs: known.Database, Born: known.Born,
		Secrets: cmd.secrets(w), ReadPrivate: w.private, Helo: cmd.helo(), Jobs: leased(), Quick: cmd.Quick,
		PutBack: func(ctx context.Context, data *store.Store) (bool, error) {
			err := backup.NewWitness(c.Data, data, w.Now).Check(ctx)
			if errors.Is(err, backup.ErrOlder) {
				return true, nil
			}
			return false, err
		},
		Actor: host(), Now: w.Now, Limits: c.limits(), Log: quiet,
	}
}

// secrets are the files outside of the data folder that hold a secret.
func (cmd *doctorCmd) secrets(w world) (files []doctor.Secret) {
	for _, s := range []doctor.Secret{
		{Name: "PORTAL_DATABASE_FILE", Path: w.Getenv("PORTAL_DATABASE_FILE")},
		{Name: "PORTAL_SMTP_PASSWORD_FILE", Path: w.Getenv("PORTAL_SMTP_PASSWORD_FILE")},
		{Name: "PORTAL_OTLP_HEADERS_FILE", Path: w.Getenv("PORTAL_OTLP_HEADERS_FILE")},
		{Name: "PORTAL_BACKUP_PASSPHRASE_FILE", Path: w.Getenv("PORTAL_BACKUP_PASSPHRASE_FILE")},
		{Name: "PORTAL_MOVE_TO_FILE", Path: w.Getenv("PORTAL_MOVE_TO_FILE")},
		{Name: "--tls-key", Path: cmd.TLSKey},
	} {
		if s.Path != "" {
			files = append(files, s)
		}
	}
	return files
}

// helo is the name that the portal tells the mail server.
func (cmd *doctorCmd) helo() string {
	if base, err := parseBase(cmd.BaseURL); err == nil {
		return base.Hostname()
	}
	return "localhost"
}

// leased are the names of the jobs that one node at a time does.
func leased() (names []string) {
	var s services
	s.post = &mail.Service{}
	for _, job := range s.jobs(&keeper.Node{}) {
		if job.Every > 0 {
			names = append(names, job.Name)
		}
	}
	return names
}

func printJSON(out io.Writer, d diagnosis) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// printFindings prints a line for each finding, and below it what to do.
func printFindings(out io.Writer, d diagnosis) error {
	var text strings.Builder
	for _, f := range d.Findings {
		fmt.Fprintf(&text, "%-8s %s: %s", f.Severity, f.Check, f.What)
		if f.Code != doctor.AllWell {
			fmt.Fprintf(&text, " [%s]", f.Code)
		}
		text.WriteByte('\n')
		if f.Do != "" {
			fmt.Fprintf(&text, "%-8s %s\n", "", f.Do)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// wide tells whether a network holds more machines than proxies are likely to
// be.
func wide(network netip.Prefix) bool {
	if network.Addr().Is4() {
		return network.Bits() < 16
	}
	return network.Bits() < 48
}
