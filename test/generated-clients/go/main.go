// A user's program on the client that oapi-codegen makes: JSON, then multipart.
package main

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	nst "check/client"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err)
	return data
}

func source(path string) nst.PictureSource {
	var picture nst.PictureSource
	check(picture.FromPictureSource1(nst.PictureSource1{Base64: read(path)}))
	return picture
}

func main() {
	url, key, content, style, output := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	ctx := context.Background()
	authorize := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+key)
		return nil
	}
	client, err := nst.NewClientWithResponses(url, nst.WithRequestEditorFn(authorize))
	check(err)

	finish := func(name string, response *nst.SubmitJobResponse, err error) {
		check(err)
		if response.JSON202 == nil {
			check(fmt.Errorf("%s: %s %s", name, response.Status(), response.Body))
		}
		job := response.JSON202
		for job.Status == "queued" || job.Status == "running" {
			time.Sleep(200 * time.Millisecond)
			polled, err := client.GetJobWithResponse(ctx, job.Id.String())
			check(err)
			job = polled.JSON200
		}
		if job.Status != "succeeded" {
			check(fmt.Errorf("%s: the job ended as %s", name, job.Status))
		}
		result, err := client.GetResultWithResponse(ctx, job.Id.String(), nil)
		check(err)
		check(os.WriteFile(output+"-"+name+".png", result.Body, 0o644))
	}

	preset, steps := nst.RequestOptionsPresetDraft, 8
	var size nst.RequestOptions_Size
	check(size.FromRequestOptionsSize0(64))
	options := nst.RequestOptions{Preset: &preset, Steps: &steps, Size: &size}
	picture := source(content)
	var styles nst.Submission_Style
	check(styles.FromPictureSource(source(style)))
	body := nst.SubmitJobJSONRequestBody{Content: &picture, Style: &styles, Options: &options}
	response, err := client.SubmitJobWithResponse(ctx, nil, body)
	finish("json", response, err)

	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	for name, path := range map[string]string{"content": content, "style": style} {
		part, err := writer.CreateFormFile(name, path)
		check(err)
		_, err = part.Write(read(path))
		check(err)
	}
	check(writer.WriteField("options", `{"preset":"draft","size":64,"steps":8}`))
	check(writer.Close())
	response, err = client.SubmitJobWithBodyWithResponse(ctx, nil, writer.FormDataContentType(), &form)
	finish("multipart", response, err)
}
