// Ask axond from Go with net/http: go run client.go [http://localhost:8000]
//
// http.Client keeps connections open as long as each body is read to its end and closed.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Error is a refusal of the service: Code is for programs, Text for people.
type Error struct {
	Status    int    `json:"-"`
	Code      string `json:"code"`
	Text      string `json:"error"`
	RequestID string `json:"-"`
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Text) }

// Axond is a service; any number of goroutines may use one.
type Axond struct {
	Base, Key string
	Tries     int
	HTTP      http.Client
}

// Class is a label and its score, as top_k asks for them.
type Class struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

// Prediction is the reply to :predict.
type Prediction struct {
	Predictions [][]float32 `json:"predictions"`
	Classes     [][]Class   `json:"classes"`
}

func (a *Axond) once(path string, body []byte, requestID string) (*http.Response, []byte, error) {
	request, err := http.NewRequest(http.MethodPost, a.Base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", requestID)
	if a.Key != "" {
		request.Header.Set("Authorization", "Bearer "+a.Key)
	}
	response, err := a.HTTP.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, text, err
}

// Post sends body as JSON and reads the reply into reply; when the service is busy, or not ready yet, it tries again.
func (a *Axond) Post(path string, body, reply any, requestID string) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for left := a.Tries - 1; ; left-- {
		response, text, err := a.once(path, sent, requestID)
		if err != nil {
			return err
		}
		if response.StatusCode == http.StatusOK {
			return json.Unmarshal(text, reply)
		}
		busy := response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
		if !busy || left <= 0 {
			refusal := &Error{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
			if err := json.Unmarshal(text, refusal); err != nil {
				return err
			}
			return refusal
		}
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

// Predict runs rows through a model; more holds top_k and the like.
func (a *Axond) Predict(model string, rows [][]float32, more map[string]any, requestID string) (*Prediction, error) {
	body := map[string]any{"instances": rows}
	for key, value := range more {
		body[key] = value
	}
	prediction := new(Prediction)
	return prediction, a.Post("/v1/models/"+model+":predict", body, prediction, requestID)
}

func digit() ([][]float32, error) {
	_, source, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(source), "../examples/digit.json"))
	if err != nil {
		return nil, err
	}
	var file struct{ Instances [][]float32 }
	return file.Instances, json.Unmarshal(text, &file)
}

func run() error {
	axond := &Axond{Base: "http://localhost:8000", Key: os.Getenv("API_KEY"), Tries: 4, HTTP: http.Client{Timeout: 30 * time.Second}}
	if len(os.Args) > 1 {
		axond.Base = strings.TrimRight(os.Args[1], "/")
	}
	rows, err := digit()
	if err != nil {
		return err
	}
	prediction, err := axond.Predict("digits", rows, map[string]any{"top_k": 1}, "example-1")
	if err != nil {
		return err
	}
	best := prediction.Classes[0][0]
	fmt.Printf("label %s, score %.4f\n", best.Label, best.Score)

	_, err = axond.Predict("digits", [][]float32{{1, 2, 3}}, nil, "example-2")
	var refusal *Error
	if !errors.As(err, &refusal) {
		return err
	}
	fmt.Printf("code %s, request %s\n", refusal.Code, refusal.RequestID)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
