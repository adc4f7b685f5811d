// Known answers of masking, made with Python's `cryptography`, and the key they were made with.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "masking/keyring.h"

namespace sqs_fdw::masking {

// The bytes 00 to 3f.
inline std::string CountingBytes()
{
	std::string bytes;
	for (char c = 0; c < static_cast<char>(kKeySize); ++c)
		bytes.push_back(c);
	return bytes;
}

// A key of 64 times the same byte.
inline std::string SameBytes(char byte)
{
	return std::string(kKeySize, byte);
}

inline std::string KeyLine(std::string_view id, std::string_view state, const std::string &bytes)
{
	return std::string(id) + " " + std::string(state) + " " + Base64Encode(bytes) + "\n";
}

inline std::string CountingLine()
{
	return KeyLine("k1", "active", CountingBytes());
}

// The letters a to z, again and again.
inline std::string Letters(size_t size)
{
	std::string text;
	for (size_t i = 0; i < size; ++i)
		text.push_back(static_cast<char>('a' + i % 26));
	return text;
}

struct TextVector {
	std::string value;
	const char *domain;
	const char *mask;
};

inline const TextVector kTextVectors[] = {
    {"593-47-5928", "device_id", "t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI"},
    {"", "", "t1.k1.SLTE8H4qt23Wc2NcZSgWT5vQSCqc1i6Y_Da-f3nxLXM"},
    {Letters(15), "device_id", "t1.k1.4U0BDM9IcbSGzNw41_hLqto78Fe6fcJCnYx6vysgr_c"},
    {Letters(16), "device_id",
        "t1.k1.9XiAxutWgpzJxfa-k3FHKH_k6klEkfnYUD0N-bPOiDeAjABz0DW7m9ZRzlLu-k0G"},
    {Letters(31), "device_id",
        "t1.k1.YXXFOWNbMS76HULJI1-JrR6zcuevWpM43bDx-QEnAYa94vmWdtB5U0eGUpL0jva5"},
    {Letters(32), "device_id",
        "t1.k1.yQ_"
        "0v6ugCbQ8WQwZhYWQkoHU2zs0EMG2lBGpHTf7tUql8PGildn0WLEyZoMwTNDisoKBzfZG00Q7xlAFMc9XCA"},
    {Letters(36), "device_id",
        "t1.k1.-WxdHVRGvcBlQsNcIF6iz1I__"
        "sj08Jz41SBMeflDIgluFwIx8e7XmrXndOvp7n3F69Mzz96LGS6wXJkUxn8HNg"},
    {Letters(159), "device_id",
        "t1.k1.Ha2nTf5W-Jj3v5YecGTISExeVu__T6dJ2_hAAVGxDlJNi0_"
        "SFvQ7qfBrT7hhYDWpZlPXHZENLhbFh40EviUTzU"
        "seqNn5eWlvfd7G5GZseL674UziH95Mr0obdF_"
        "zVOR3PDUKa6ReTDm0mx1hzVsPyZfpHSDBCAXsScjck2oVKDR9hqH7TE"
        "-GWNOsY2eAhrSuxUasRwNY6yqd9co8uefEj5yCOhvvz89K57ODp52Qixs"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e, \xe4\xb8\x96\xe7\x95\x8c",
        "greeting", "t1.k1.vdS5AdNXSbKjsGrT47dLEvAKgGnLtZGhiEyP6IEwUiw"},
    {"not an address", "ip", "t1.k1.TeEQbTfRTFnsWeEbopU92RZBeOcVLT-wCXpK6glUG5c"},
};

inline const TextVector kOneWayVectors[] = {
    {"593-47-5928", "device_id", "h1.k1.jbaj9EsigErIICW3a7ERmfbjV1i8dWtiyddGKWONHSs"},
    {"", "", "h1.k1.dK3radtcj6fYGAFTXAv4pEfkiB9bg6RiNG-Nk5A1kf8"},
    {Letters(15), "device_id", "h1.k1.M45kSLg4zKe1j3hqDOAIuPhLx-Pwgoslcr6QjQ7OquE"},
    {Letters(16), "device_id", "h1.k1.9q7iCtLDjhgkJwuAkBXlCUK8Z1YbtQ7hy0XSKgrHbyQ"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e, \xe4\xb8\x96\xe7\x95\x8c",
        "greeting", "h1.k1.kc1JyRtunoSHALO0-ySOxkD4TYyvN8RE_fs94BYKMOs"},
    {"not an address", "ip", "h1.k1.tnvRdPoPy_n1UmfIbe1dvizJ5bHGlrlcnFFKSe1f6gM"},
};

constexpr char kMask199_172_111_135[] = "i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E";
constexpr char kMask2001_db8_1[] = "i1.k1.cv3KZl6ivmKraDt76hffisnWnw754fSSssB37cHUgok";
constexpr char kMask1_2_3_4[] = "i1.k1.aMXYwxvcbf5in6UnujUY0hHM9_HGwjkjaQ8HT3XNJ0c";

// Authentic under k1 and domain `d`, but with a plain text that is not padded as masks are: no
// mark; zeros only; more padding than one block.
constexpr const char *kBadlyPadded[] = {
    "t1.k1.eXAwCvY9Q4wRZmvoiiXlXABflJ6II13zFwDuPs5IXVM",
    "t1.k1.m6-cYLJVQiFfSnHILDTfsM5pT9v5tu64qHxkVXZNlzg",
    "t1.k1.0vnUawlF4xLVTYzNlAEqb_hr-YV9JOPL9QsaYl-uDbE0KwUaMtEHyl725gncI4VP",
};

}  // namespace sqs_fdw::masking
