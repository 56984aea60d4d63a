package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"portal"
	"portal/internal/store"
)

// Format is how an export is written.
type Format string

// The formats of an export.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// exportPage is how many events an export holds in memory.
const exportPage = 500

// Export is an export that may begin: it is authorised, charged and recorded.
type Export struct {
	service *Service
	actor   portal.Actor
	query   store.EventQuery
	format  Format
}

// ExportEvents begins an export of the events that a query finds, newest first,
// from all pages. It leaves an event itself.
func (s *Service) ExportEvents(ctx context.Context, actor portal.Actor, q EventQuery, format Format) (*Export, error) {
	if err := actor.Can(portal.ReadAudit); err != nil {
		return nil, err
	}
	if format != JSONLines && format != CSV {
		return nil, portal.Malformed("The audit trail can be exported as JSON lines or as CSV.")
	}
	person, err := s.person(ctx, actor, q.Person)
	if err != nil {
		return nil, err
	}
	if err := s.auth.ChargeExport(ctx, actor); err != nil {
		return nil, err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		return tx.Record(ctx, actor.Did(portal.AuditExported).With(q.inWords(format)))
	})
	query := store.EventQuery{Person: person, Action: q.Action, From: q.From, Until: q.Until, Limit: exportPage}
	return &Export{s, actor, query, format}, err
}

// inWords tells what was exported. A login ID that names nobody is not told.
func (q EventQuery) inWords(format Format) string {
	words := []string{string(format)}
	if q.Person != "" {
		words = append(words, "of one person")
	}
	if q.Action != "" {
		words = append(words, string(q.Action))
	}
	if !q.From.IsZero() {
		words = append(words, "from "+q.From.Format(time.DateOnly))
	}
	if !q.Until.IsZero() {
		words = append(words, "until "+q.Until.Add(-time.Second).Format(time.DateOnly))
	}
	return strings.Join(words, ", ")
}

// To writes the export, page by page.
func (e *Export) To(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 32<<10)
	row := writeJSON
	if e.format == CSV {
		row = writeCSV
		if err := writeCells(out, exportColumns); err != nil {
			return err
		}
	}
	view := e.service.store.View(e.actor.CustomerID)
	for q := e.query; ; {
		events, err := view.Events(ctx, q)
		for _, event := range events {
			err = errors.Join(err, row(out, exported(e.actor, event)))
		}
		if err != nil {
			return err
		}
		if len(events) < q.Limit {
			return out.Flush()
		}
		q.Before = events[len(events)-1].ID
	}
}

// exportedEvent is an event as an export tells it (LG-02).
type exportedEvent struct {
	ID         int64             `json:"id"`
	Time       string            `json:"time"`
	Customer   string            `json:"customer"`
	CustomerID portal.CustomerID `json:"customer_id"`
	Action     portal.Action     `json:"action"`
	Result     portal.Outcome    `json:"result"`
	ActorKind  portal.ActorKind  `json:"actor_kind"`
	Actor      string            `json:"actor"`
	ActorID    portal.UserID     `json:"actor_id"`
	Target     string            `json:"target"`
	TargetID   portal.UserID     `json:"target_id"`
	Detail     string            `json:"detail"`
	Source     string            `json:"source"`
	Agent      string            `json:"agent"`
	Node       string            `json:"node"`
	RequestID  string            `json:"request_id"`
}

var exportColumns = []string{
	"id", "time", "customer", "customer_id", "action", "result", "actor_kind", "actor", "actor_id",
	"target", "target_id", "detail", "source", "agent", "node", "request_id",
}

func exported(actor portal.Actor, e portal.Event) exportedEvent {
	return exportedEvent{
		ID: e.ID, Time: e.At.UTC().Format(time.RFC3339Nano), Customer: actor.CustomerName, CustomerID: e.CustomerID,
		Action: e.Action, Result: e.Outcome, ActorKind: e.ActorKind, Actor: e.ActorLabel, ActorID: e.ActorID,
		Target: e.TargetLabel, TargetID: e.TargetID, Detail: e.Detail,
		Source: e.Origin.Address, Agent: e.Origin.Agent, Node: e.Node, RequestID: e.Origin.RequestID,
	}
}

func writeJSON(out *bufio.Writer, e exportedEvent) error { return json.NewEncoder(out).Encode(e) }

func writeCSV(out *bufio.Writer, e exportedEvent) error {
	return writeCells(out, []string{
		strconv.FormatInt(e.ID, 10), e.Time, e.Customer, string(e.CustomerID), string(e.Action), string(e.Result),
		string(e.ActorKind), e.Actor, string(e.ActorID), e.Target, string(e.TargetID), e.Detail, e.Source, e.Agent, e.Node, e.RequestID,
	})
}

// writeCells writes a line of CSV (RFC 4180) with every cell in quotes. A
// bufio.Writer keeps its first error, so that the last one tells of all.
func writeCells(out *bufio.Writer, cells []string) error {
	for i, cell := range cells {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.WriteString(`"` + strings.ReplaceAll(harmless(cell), `"`, `""`) + `"`)
	}
	_, err := out.WriteString("\r\n")
	return err
}

// formulaSigns begin a formula in one spreadsheet or another, in their wide
// forms too.
const formulaSigns = "=+-@\t\r\n＝＋－＠"

// harmless makes a cell that a spreadsheet shows and does not reckon (IN-09).
func harmless(cell string) string {
	if first := strings.TrimLeft(cell, " \u00a0"); first != "" && strings.ContainsAny(string([]rune(first)[:1]), formulaSigns) {
		return "'" + cell
	}
	return cell
}
