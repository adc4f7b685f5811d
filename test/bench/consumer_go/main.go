// The same job as a well-made Go consumer does it, for comparison.
//
// usage: consumer_go ENDPOINT MESSAGES
//
// Sixteen receivers parse and mask; one writer copies 500 rows at a time into PostgreSQL; deletes
// run beside it, after the rows are committed. Prints one JSON object: messages, client_us and
// backend_us (CPU, user and system) and wall_us. PostgreSQL is found through libpq's environment.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jackc/pgx/v5"
	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

const (
	batch     = 10
	rows      = 500
	receivers = 16
	deleters  = 8
)

var columns = []string{"user_id", "device_type", "masked_ip", "masked_device_id", "locale",
	"app_version", "create_date"}

type login struct {
	UserID     string  `json:"user_id"`
	DeviceType *string `json:"device_type"`
	IP         *string `json:"ip"`
	DeviceID   *string `json:"device_id"`
	Locale     *string `json:"locale"`
	AppVersion *string `json:"app_version"`
}

type item struct {
	row    []any
	handle *string
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type masker struct{ cipher *subtle.AESSIV }

func newMasker() masker {
	key := make([]byte, 64)
	for i := range key {
		key[i] = byte(i)
	}
	return masker{must(subtle.NewAESSIV(key))}
}

func (m masker) mask(value *string, domain string) *string {
	if value == nil {
		return nil
	}
	sealed := must(m.cipher.EncryptDeterministically([]byte(*value), []byte(domain)))
	masked := base64.RawURLEncoding.EncodeToString(sealed)
	return &masked
}

func (m masker) maskIP(text *string) *string {
	if text == nil {
		return nil
	}
	canonical := must(netip.ParseAddr(*text)).String()
	return m.mask(&canonical, "ip")
}

func versionToInt(text *string) *int32 {
	if text == nil {
		return nil
	}
	var parts [3]int
	for i, part := range strings.SplitN(*text, ".", 3) {
		parts[i] = must(strconv.Atoi(part))
	}
	version := int32(parts[0]<<16 | parts[1]<<8 | parts[2])
	return &version
}

func (m masker) toItem(message types.Message) item {
	var event login
	check(json.Unmarshal([]byte(*message.Body), &event))
	sent := must(strconv.ParseInt(message.Attributes["SentTimestamp"], 10, 64))
	return item{
		row: []any{event.UserID, event.DeviceType, m.maskIP(event.IP),
			m.mask(event.DeviceID, "device_id"), event.Locale, versionToInt(event.AppVersion),
			time.UnixMilli(sent).UTC()},
		handle: message.ReceiptHandle,
	}
}

// Receives until `wanted` messages have been asked for by all receivers together.
func receive(client *sqs.Client, url string, asked *atomic.Int64, wanted int64, m masker,
	out chan<- []item) {
	for asked.Add(batch) <= wanted {
		reply := must(client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl:                    &url,
			MaxNumberOfMessages:         batch,
			WaitTimeSeconds:             1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SentTimestamp"},
		}))
		items := make([]item, len(reply.Messages))
		for i, message := range reply.Messages {
			items[i] = m.toItem(message)
		}
		out <- items
	}
}

// Copies rows in, 500 to a transaction, and hands on the handles of what is committed.
func write(connection *pgx.Conn, in <-chan []item, out chan<- []*string) int64 {
	var done int64
	pending := make([]item, 0, rows+batch)
	flush := func() {
		done += must(connection.CopyFrom(context.Background(), pgx.Identifier{"user_logins"},
			columns, pgx.CopyFromSlice(len(pending), func(i int) ([]any, error) {
				return pending[i].row, nil
			})))
		for first := 0; first < len(pending); first += batch {
			handles := make([]*string, 0, batch)
			for _, each := range pending[first:min(first+batch, len(pending))] {
				handles = append(handles, each.handle)
			}
			out <- handles
		}
		pending = pending[:0]
	}
	for items := range in {
		pending = append(pending, items...)
		if len(pending) >= rows {
			flush()
		}
	}
	if len(pending) > 0 {
		flush()
	}
	return done
}

func remove(client *sqs.Client, url string, in <-chan []*string) {
	for handles := range in {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(handles))
		for i, handle := range handles {
			entries[i] = types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: handle}
		}
		reply := must(client.DeleteMessageBatch(context.Background(),
			&sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}))
		if len(reply.Failed) > 0 {
			log.Fatal("a delete failed")
		}
	}
}

func consume(client *sqs.Client, url string, connection *pgx.Conn, wanted int64) int64 {
	received := make(chan []item, receivers)
	committed := make(chan []*string, 2*rows/batch)
	m := newMasker()
	var asked atomic.Int64
	var receiving, deleting sync.WaitGroup
	for range receivers {
		receiving.Go(func() { receive(client, url, &asked, wanted, m, received) })
	}
	for range deleters {
		deleting.Go(func() { remove(client, url, committed) })
	}
	go func() {
		receiving.Wait()
		close(received)
	}()
	done := write(connection, received, committed)
	close(committed)
	deleting.Wait()
	return done
}

func clientMicroseconds() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}

func backendMicroseconds(pid uint32) int64 {
	text := must(os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)))
	return must(strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)) / 1000
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: consumer_go ENDPOINT MESSAGES")
	}
	wanted := must(strconv.ParseInt(os.Args[2], 10, 64))
	ctx := context.Background()
	client := sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: &os.Args[1],
		Credentials:  credentials.NewStaticCredentialsProvider("bench", "bench", ""),
		// By default fewer connections are kept than are in use.
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = receivers + deleters
		}),
	})
	url := *must(client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{
		QueueName: aws.String("login-queue")})).QueueUrl
	connection := must(pgx.Connect(ctx, ""))
	defer connection.Close(ctx)

	backend := connection.PgConn().PID()
	clientBefore, backendBefore := clientMicroseconds(), backendMicroseconds(backend)
	started := time.Now()
	done := consume(client, url, connection, wanted)
	check(json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"messages":   done,
		"client_us":  clientMicroseconds() - clientBefore,
		"backend_us": backendMicroseconds(backend) - backendBefore,
		"wall_us":    time.Since(started).Microseconds(),
	}))
}
