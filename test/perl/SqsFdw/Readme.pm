# The README as the tests read it: its headings, code blocks, tables and links.

package SqsFdw::Readme;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP;

our @EXPORT_OK = qw(anchors_of blocks chapter checkout links rows text);

# The checkout, or the copy of it that the tests run on.
sub checkout
{
	return abs_path(dirname(__FILE__) . '/../../..');
}

# A file of the checkout as characters, by default the README.
sub text
{
	my ($path) = @_;
	my $file = checkout() . '/' . ($path // 'README.md');
	open my $handle, '<:encoding(UTF-8)', $file or die "$file: $!\n";
	local $/;
	return <$handle>;
}

# The lines of a text, each with the heading that it is under and whether it is inside a code block.
sub _lines
{
	my ($markdown) = @_;
	my ($heading, $inside, @lines) = ('', 0);
	foreach my $line (split /\n/, $markdown)
	{
		my $fence = $line =~ /^```/;
		$heading = $1 if !$inside && $line =~ /^#+ (.*)/;
		push @lines, { text => $line, heading => $heading, code => $inside || $fence, fence => $fence };
		$inside = !$inside if $fence;
	}
	die "a code block is not closed\n" if $inside;
	return @lines;
}

# The code blocks in their order: heading, language ('' for none), text.
sub blocks
{
	my ($markdown) = @_;
	my ($open, @blocks);
	foreach my $line (_lines($markdown))
	{
		if ($line->{fence} && !$open)
		{
			my ($language) = $line->{text} =~ /^```(\w*)$/ or die "an odd fence: $line->{text}\n";
			$open = { heading => $line->{heading}, language => $language, text => '' };
		}
		elsif ($line->{fence})
		{
			push @blocks, $open;
			$open = undef;
		}
		elsif ($open)
		{
			$open->{text} .= "$line->{text}\n";
		}
	}
	return @blocks;
}

# The text of a chapter, with its sections.
sub chapter
{
	my ($markdown, $title) = @_;
	my ($chapter) = $markdown =~ /^(## \Q$title\E\n.*?)(?=^## |\z)/ms or die "no chapter $title\n";
	return $chapter;
}

# The rows of the tables under a heading, as lines, without their heads.
sub rows
{
	my ($markdown, $heading) = @_;
	my @lines = map { $_->{text} } grep { $_->{heading} eq $heading && !$_->{code} } _lines($markdown);
	my (@rows, $inside);
	foreach my $line (@lines)
	{
		if ($line !~ /^\|/)
		{
			$inside = 0;
		}
		elsif ($line =~ /^\|---/)
		{
			$inside = 1;
		}
		elsif ($inside)
		{
			push @rows, $line;
		}
	}
	return @rows;
}

# Where links lead, from all text that is no code.
sub links
{
	my ($markdown) = @_;
	my $prose = join "\n", map { $_->{text} } grep { !$_->{code} } _lines($markdown);
	$prose =~ s/`[^`\n]*`//g;
	return $prose =~ /\]\(([^)\s]+)\)/g;
}

# The names by which headings are linked to, as GitHub makes them.
sub anchors_of
{
	my ($markdown) = @_;
	my %anchors;
	foreach my $line (grep { !$_->{code} && $_->{text} =~ /^#+ / } _lines($markdown))
	{
		my $anchor = lc($line->{heading} =~ s/[^\w\s-]//gr);
		$anchor =~ s/\s/-/g;
		my $known = $anchors{$anchor}++;
		$anchors{"$anchor-$known"} = 1 if $known;
	}
	return \%anchors;
}

1;
